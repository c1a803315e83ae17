"""People and companies."""

import sqlalchemy as sa
from alembic import op

from ossature.api import fk

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_record_table(
        "crm",
        "company",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("legal_name", sa.Text),
        sa.Column("status", sa.Text, server_default=sa.text("'prospect'"), nullable=False),
        sa.Column("industry", sa.Text),
        sa.Column("size", sa.Text),
        sa.Column("annual_revenue_minor", sa.BigInteger),
        sa.Column("annual_revenue_currency", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("website", sa.Text),
        sa.Column("siren", sa.Text),
        sa.Column("siret", sa.Text),
        sa.Column("vat_number", sa.Text),
        sa.Column("parent_id", sa.Uuid),
        sa.Column("primary_contact_id", sa.Uuid),
        sa.Column("notes", sa.Text),
        sa.CheckConstraint(
            "(annual_revenue_minor IS NULL) = (annual_revenue_currency IS NULL) AND annual_revenue_currency ~ '^[A-Z]{3}$' AND annual_revenue_minor >= 0",
            name="annual_revenue",
        ),
        sa.CheckConstraint("length(email) BETWEEN 1 AND 254", name="email"),
        sa.CheckConstraint("length(industry) BETWEEN 1 AND 120", name="industry"),
        sa.CheckConstraint("length(legal_name) BETWEEN 1 AND 200", name="legal_name"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 200", name="name"),
        sa.CheckConstraint("length(notes) BETWEEN 1 AND 20000", name="notes"),
        sa.CheckConstraint("length(phone) BETWEEN 1 AND 32", name="phone"),
        sa.CheckConstraint("length(siren) BETWEEN 1 AND 20", name="siren"),
        sa.CheckConstraint("length(siret) BETWEEN 1 AND 24", name="siret"),
        sa.CheckConstraint("size IN ('1-9', '10-49', '50-249', '250-999', '1000+')", name="size"),
        sa.CheckConstraint("status IN ('prospect', 'active', 'inactive')", name="status"),
        fk("parent_id", "crm.company", "SET NULL"),
        sa.CheckConstraint("length(vat_number) BETWEEN 1 AND 24", name="vat_number"),
        sa.CheckConstraint("length(website) BETWEEN 1 AND 500", name="website"),
        sa.Index("company_name_idx", "tenant_id", "name_fold", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("company_parent_id_idx", "tenant_id", "parent_id"),
        sa.Index("company_primary_contact_id_idx", "tenant_id", "primary_contact_id"),
        folded={"name": "name"},
        search=["name", "legal_name", "email", "phone", "siren", "siret", "vat_number"],
    )
    op.create_record_table(
        "crm",
        "company_address",
        sa.Column("company_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, server_default=sa.text("'headquarters'"), nullable=False),
        sa.Column("line1", sa.Text, nullable=False),
        sa.Column("line2", sa.Text),
        sa.Column("postal_code", sa.Text),
        sa.Column("city", sa.Text, nullable=False),
        sa.Column("state", sa.Text),
        sa.Column("country", sa.Text, server_default=sa.text("'FR'"), nullable=False),
        sa.CheckConstraint("length(city) BETWEEN 1 AND 120", name="city"),
        sa.CheckConstraint(
            "country IN ('AC', 'AD', 'AE', 'AF', 'AG', 'AI', 'AL', 'AM', 'AO', 'AQ', 'AR', 'AS', 'AT', 'AU', 'AW', 'AX', 'AZ', 'BA', 'BB', 'BD', 'BE', 'BF', 'BG', 'BH', 'BI', 'BJ', 'BL', 'BM', 'BN', 'BO', 'BQ', 'BR', 'BS', 'BT', 'BV', 'BW', 'BY', 'BZ', 'CA', 'CC', 'CD', 'CF', 'CG', 'CH', 'CI', 'CK', 'CL', 'CM', 'CN', 'CO', 'CR', 'CU', 'CV', 'CW', 'CX', 'CY', 'CZ', 'DE', 'DJ', 'DK', 'DM', 'DO', 'DZ', 'EC', 'EE', 'EG', 'EH', 'ER', 'ES', 'ET', 'FI', 'FJ', 'FK', 'FM', 'FO', 'FR', 'GA', 'GB', 'GD', 'GE', 'GF', 'GG', 'GH', 'GI', 'GL', 'GM', 'GN', 'GP', 'GQ', 'GR', 'GS', 'GT', 'GU', 'GW', 'GY', 'HK', 'HM', 'HN', 'HR', 'HT', 'HU', 'ID', 'IE', 'IL', 'IM', 'IN', 'IO', 'IQ', 'IR', 'IS', 'IT', 'JE', 'JM', 'JO', 'JP', 'KE', 'KG', 'KH', 'KI', 'KM', 'KN', 'KP', 'KR', 'KW', 'KY', 'KZ', 'LA', 'LB', 'LC', 'LI', 'LK', 'LR', 'LS', 'LT', 'LU', 'LV', 'LY', 'MA', 'MC', 'MD', 'ME', 'MF', 'MG', 'MH', 'MK', 'ML', 'MM', 'MN', 'MO', 'MP', 'MQ', 'MR', 'MS', 'MT', 'MU', 'MV', 'MW', 'MX', 'MY', 'MZ', 'NA', 'NC', 'NE', 'NF', 'NG', 'NI', 'NL', 'NO', 'NP', 'NR', 'NU', 'NZ', 'OM', 'PA', 'PE', 'PF', 'PG', 'PH', 'PK', 'PL', 'PM', 'PN', 'PR', 'PS', 'PT', 'PW', 'PY', 'QA', 'RE', 'RO', 'RS', 'RU', 'RW', 'SA', 'SB', 'SC', 'SD', 'SE', 'SG', 'SH', 'SI', 'SJ', 'SK', 'SL', 'SM', 'SN', 'SO', 'SR', 'SS', 'ST', 'SV', 'SX', 'SY', 'SZ', 'TA', 'TC', 'TD', 'TF', 'TG', 'TH', 'TJ', 'TK', 'TL', 'TM', 'TN', 'TO', 'TR', 'TT', 'TV', 'TW', 'TZ', 'UA', 'UG', 'UM', 'US', 'UY', 'UZ', 'VA', 'VC', 'VE', 'VG', 'VI', 'VN', 'VU', 'WF', 'WS', 'XK', 'YE', 'YT', 'ZA', 'ZM', 'ZW')",
            name="country",
        ),
        sa.CheckConstraint("kind IN ('headquarters', 'billing', 'delivery', 'home', 'other')", name="kind"),
        sa.CheckConstraint("length(line1) BETWEEN 1 AND 200", name="line1"),
        sa.CheckConstraint("length(line2) BETWEEN 1 AND 200", name="line2"),
        sa.CheckConstraint("length(postal_code) BETWEEN 1 AND 20", name="postal_code"),
        sa.CheckConstraint("length(state) BETWEEN 1 AND 120", name="state"),
        fk("company_id", "crm.company", "CASCADE"),
        sa.Index("company_address_company_id_idx", "tenant_id", "company_id"),
        part=True,
        root="company_id",
    )
    op.create_record_table(
        "crm",
        "company_email",
        sa.Column("company_id", sa.Uuid, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("label", sa.Text),
        sa.CheckConstraint("length(email) BETWEEN 1 AND 254", name="email"),
        sa.CheckConstraint("length(label) BETWEEN 1 AND 60", name="label"),
        fk("company_id", "crm.company", "CASCADE"),
        sa.Index("company_email_company_id_idx", "tenant_id", "company_id"),
        part=True,
        root="company_id",
    )
    op.create_record_table(
        "crm",
        "company_phone",
        sa.Column("company_id", sa.Uuid, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("label", sa.Text),
        sa.CheckConstraint("length(label) BETWEEN 1 AND 60", name="label"),
        sa.CheckConstraint("length(phone) BETWEEN 1 AND 32", name="phone"),
        fk("company_id", "crm.company", "CASCADE"),
        sa.Index("company_phone_company_id_idx", "tenant_id", "company_id"),
        part=True,
        root="company_id",
    )
    op.create_record_table(
        "crm",
        "contact",
        sa.Column("name", sa.Text, sa.Computed("trim(coalesce(first_name, '') || ' ' || last_name)", persisted=True)),
        sa.Column("first_name", sa.Text),
        sa.Column("last_name", sa.Text, nullable=False),
        sa.Column("company_id", sa.Uuid),
        sa.Column("job_title", sa.Text),
        sa.Column("department", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("mobile", sa.Text),
        sa.Column("status", sa.Text, server_default=sa.text("'lead'"), nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("notes", sa.Text),
        sa.CheckConstraint("length(department) BETWEEN 1 AND 120", name="department"),
        sa.CheckConstraint("length(email) BETWEEN 1 AND 254", name="email"),
        sa.CheckConstraint("length(first_name) BETWEEN 1 AND 100", name="first_name"),
        sa.CheckConstraint("length(job_title) BETWEEN 1 AND 120", name="job_title"),
        sa.CheckConstraint("length(last_name) BETWEEN 1 AND 100", name="last_name"),
        sa.CheckConstraint("length(mobile) BETWEEN 1 AND 32", name="mobile"),
        sa.CheckConstraint("length(notes) BETWEEN 1 AND 20000", name="notes"),
        sa.CheckConstraint("length(phone) BETWEEN 1 AND 32", name="phone"),
        sa.CheckConstraint(
            "source IN ('website', 'referral', 'cold_call', 'event', 'partner', 'advertisement', 'other')",
            name="source",
        ),
        sa.CheckConstraint("status IN ('lead', 'prospect', 'customer', 'inactive')", name="status"),
        fk("company_id", "crm.company", "SET NULL"),
        sa.Index("contact_company_id_idx", "tenant_id", "company_id"),
        sa.Index("contact_email_idx", "tenant_id", "email_fold", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        sa.Index("contact_name_idx", "tenant_id", "name_fold", "id", postgresql_where=sa.text("deleted_at IS NULL")),
        folded={"name": "last_name || ' ' || coalesce(first_name, '')", "email": "email"},
        search=["first_name", "last_name", "email", "phone", "mobile"],
    )
    op.create_record_table(
        "crm",
        "contact_address",
        sa.Column("contact_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, server_default=sa.text("'headquarters'"), nullable=False),
        sa.Column("line1", sa.Text, nullable=False),
        sa.Column("line2", sa.Text),
        sa.Column("postal_code", sa.Text),
        sa.Column("city", sa.Text, nullable=False),
        sa.Column("state", sa.Text),
        sa.Column("country", sa.Text, server_default=sa.text("'FR'"), nullable=False),
        sa.CheckConstraint("length(city) BETWEEN 1 AND 120", name="city"),
        sa.CheckConstraint(
            "country IN ('AC', 'AD', 'AE', 'AF', 'AG', 'AI', 'AL', 'AM', 'AO', 'AQ', 'AR', 'AS', 'AT', 'AU', 'AW', 'AX', 'AZ', 'BA', 'BB', 'BD', 'BE', 'BF', 'BG', 'BH', 'BI', 'BJ', 'BL', 'BM', 'BN', 'BO', 'BQ', 'BR', 'BS', 'BT', 'BV', 'BW', 'BY', 'BZ', 'CA', 'CC', 'CD', 'CF', 'CG', 'CH', 'CI', 'CK', 'CL', 'CM', 'CN', 'CO', 'CR', 'CU', 'CV', 'CW', 'CX', 'CY', 'CZ', 'DE', 'DJ', 'DK', 'DM', 'DO', 'DZ', 'EC', 'EE', 'EG', 'EH', 'ER', 'ES', 'ET', 'FI', 'FJ', 'FK', 'FM', 'FO', 'FR', 'GA', 'GB', 'GD', 'GE', 'GF', 'GG', 'GH', 'GI', 'GL', 'GM', 'GN', 'GP', 'GQ', 'GR', 'GS', 'GT', 'GU', 'GW', 'GY', 'HK', 'HM', 'HN', 'HR', 'HT', 'HU', 'ID', 'IE', 'IL', 'IM', 'IN', 'IO', 'IQ', 'IR', 'IS', 'IT', 'JE', 'JM', 'JO', 'JP', 'KE', 'KG', 'KH', 'KI', 'KM', 'KN', 'KP', 'KR', 'KW', 'KY', 'KZ', 'LA', 'LB', 'LC', 'LI', 'LK', 'LR', 'LS', 'LT', 'LU', 'LV', 'LY', 'MA', 'MC', 'MD', 'ME', 'MF', 'MG', 'MH', 'MK', 'ML', 'MM', 'MN', 'MO', 'MP', 'MQ', 'MR', 'MS', 'MT', 'MU', 'MV', 'MW', 'MX', 'MY', 'MZ', 'NA', 'NC', 'NE', 'NF', 'NG', 'NI', 'NL', 'NO', 'NP', 'NR', 'NU', 'NZ', 'OM', 'PA', 'PE', 'PF', 'PG', 'PH', 'PK', 'PL', 'PM', 'PN', 'PR', 'PS', 'PT', 'PW', 'PY', 'QA', 'RE', 'RO', 'RS', 'RU', 'RW', 'SA', 'SB', 'SC', 'SD', 'SE', 'SG', 'SH', 'SI', 'SJ', 'SK', 'SL', 'SM', 'SN', 'SO', 'SR', 'SS', 'ST', 'SV', 'SX', 'SY', 'SZ', 'TA', 'TC', 'TD', 'TF', 'TG', 'TH', 'TJ', 'TK', 'TL', 'TM', 'TN', 'TO', 'TR', 'TT', 'TV', 'TW', 'TZ', 'UA', 'UG', 'UM', 'US', 'UY', 'UZ', 'VA', 'VC', 'VE', 'VG', 'VI', 'VN', 'VU', 'WF', 'WS', 'XK', 'YE', 'YT', 'ZA', 'ZM', 'ZW')",
            name="country",
        ),
        sa.CheckConstraint("kind IN ('headquarters', 'billing', 'delivery', 'home', 'other')", name="kind"),
        sa.CheckConstraint("length(line1) BETWEEN 1 AND 200", name="line1"),
        sa.CheckConstraint("length(line2) BETWEEN 1 AND 200", name="line2"),
        sa.CheckConstraint("length(postal_code) BETWEEN 1 AND 20", name="postal_code"),
        sa.CheckConstraint("length(state) BETWEEN 1 AND 120", name="state"),
        fk("contact_id", "crm.contact", "CASCADE"),
        sa.Index("contact_address_contact_id_idx", "tenant_id", "contact_id"),
        part=True,
        root="contact_id",
    )
    op.create_record_table(
        "crm",
        "contact_email",
        sa.Column("contact_id", sa.Uuid, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("label", sa.Text),
        sa.CheckConstraint("length(email) BETWEEN 1 AND 254", name="email"),
        sa.CheckConstraint("length(label) BETWEEN 1 AND 60", name="label"),
        fk("contact_id", "crm.contact", "CASCADE"),
        sa.Index("contact_email_contact_id_idx", "tenant_id", "contact_id"),
        part=True,
        root="contact_id",
    )
    op.create_record_table(
        "crm",
        "contact_phone",
        sa.Column("contact_id", sa.Uuid, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("label", sa.Text),
        sa.CheckConstraint("length(label) BETWEEN 1 AND 60", name="label"),
        sa.CheckConstraint("length(phone) BETWEEN 1 AND 32", name="phone"),
        fk("contact_id", "crm.contact", "CASCADE"),
        sa.Index("contact_phone_contact_id_idx", "tenant_id", "contact_id"),
        part=True,
        root="contact_id",
    )
    op.add_key("crm", "company", fk("primary_contact_id", "crm.contact", "SET NULL"))


def downgrade() -> None:
    op.drop_key("crm", "company", "primary_contact_id")
    op.drop_record_table("crm", "contact_phone")
    op.drop_record_table("crm", "contact_email")
    op.drop_record_table("crm", "contact_address")
    op.drop_record_table("crm", "contact")
    op.drop_record_table("crm", "company_phone")
    op.drop_record_table("crm", "company_email")
    op.drop_record_table("crm", "company_address")
    op.drop_record_table("crm", "company")
