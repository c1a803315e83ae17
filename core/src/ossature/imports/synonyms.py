"""What the columns of other programs' files are called, in English and French, without case, accents and signs.

By the names of fields: whoever names a field `first_name` or `city` gets these. Words of a trade are declared beside the
record, as its `__import_as__`.
"""

from __future__ import annotations

from collections.abc import Mapping

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "name": (
        "nom", "name", "full name", "nom complet", "display name", "nom affiche", "raison sociale", "denomination",
        "intitule", "libelle", "designation", "titre", "title", "subject", "objet",
    ),
    "first_name": ("prenom", "given name", "firstname", "first", "forename", "prenoms"),
    "last_name": (
        "nom", "nom de famille", "surname", "family name", "lastname", "last", "nom de naissance", "nom d usage",
    ),
    "email": (
        "mail", "e mail", "email", "courriel", "mel", "adresse e mail", "adresse mail", "adresse email",
        "adresse de messagerie", "adresse electronique", "email address", "e mail address", "mail address",
    ),
    "phone": (
        "tel", "telephone", "phone", "phone number", "numero de telephone", "telephone fixe", "tel fixe", "fixe",
        "numero de tel", "standard", "business phone", "office phone", "tel bureau", "telephone number", "ligne directe",
    ),
    "mobile": (
        "portable", "mobile", "tel portable", "telephone portable", "tel mobile", "telephone mobile", "gsm", "cell",
        "cell phone", "cellphone", "mobile phone", "mobile phone number", "mobile number", "numero de portable",
        "numero de mobile", "numero de telephone portable", "numero de telephone mobile",
    ),
    "website": (
        "site", "site web", "site internet", "web", "url", "web page", "page web", "website url", "web site", "website",
        "adresse web", "domain name", "company domain name", "nom de domaine", "url du site web", "homepage",
    ),
    "line1": (
        "rue", "adresse", "address", "street", "street address", "adresse ligne 1", "address line 1", "address 1",
        "adresse 1", "adresse postale", "numero et rue", "street 1", "voie", "ligne 1", "adresse rue",
    ),
    "line2": (
        "complement", "complement d adresse", "complement adresse", "adresse ligne 2", "address line 2", "address 2",
        "adresse 2", "street 2", "street2", "rue 2", "rue2", "ligne 2", "extended address",
    ),
    "postal_code": ("cp", "code postal", "zip", "zip code", "postcode", "post code", "zip postal code", "postal code"),
    "city": ("ville", "city", "commune", "localite", "town"),
    "state": (
        "region", "state", "province", "departement", "county", "etat", "state region", "state province", "etat region",
    ),
    "country": ("pays", "country", "country region", "pays region", "country code", "code pays"),
    "job_title": (
        "poste", "fonction", "titre", "job title", "job position", "title", "role", "position", "poste occupe",
        "intitule du poste", "intitule de poste", "organization title", "titre du poste", "metier",
    ),
    "department": ("service", "departement", "department", "direction", "organization department"),
    "siren": ("siren", "n siren", "numero siren", "numero de siren", "no siren"),
    "siret": ("siret", "n siret", "numero siret", "numero de siret", "no siret", "siret siege"),
    "vat_number": (
        "tva", "n tva", "no tva", "numero de tva", "numero tva", "tva intra", "n tva intra", "tva intracommunautaire",
        "n tva intracommunautaire", "numero de tva intracommunautaire", "vat", "vat id", "vat number", "vat no", "tax id",
        "numero d identification fiscale",
    ),
    "notes": (
        "note", "notes", "remarque", "remarques", "commentaire", "commentaires", "comment", "comments", "description",
        "observation", "observations", "memo", "internal notes", "notes internes", "info",
    ),
    "description": (
        "description", "note", "notes", "remarque", "remarques", "commentaire", "commentaires", "comment", "comments",
    ),
    "status": ("statut", "etat", "status", "lead status", "lifecycle stage", "phase du cycle de vie", "statut du lead"),
    "source": (
        "source", "origine", "lead source", "original source", "provenance", "source d origine", "origine de la piste",
        "source du lead",
    ),
    "tags": (
        "tag", "tags", "etiquette", "etiquettes", "categorie", "categories", "category", "label", "labels", "libelles",
        "group membership", "groupes", "groupe", "mots cles", "keywords",
    ),
    "company_id": (
        "societe", "entreprise", "compte", "company", "company name", "account", "account name", "organisation",
        "organization", "organization name", "employeur", "raison sociale", "client", "customer", "structure",
        "nom de la societe", "nom de l entreprise", "nom de l organisation", "nom du compte", "associated company",
        "associated company primary", "entreprise associee", "related company", "organisme",
    ),
    "contact_id": (
        "contact", "contact name", "nom du contact", "primary contact", "contact principal", "associated contact",
        "contact associe", "interlocuteur",
    ),
    "parent_id": (
        "parent", "parent account", "parent company", "parent account name", "maison mere", "societe mere",
        "entreprise mere", "compte parent", "subsidiary of", "filiale de",
    ),
    "owner_id": (
        "owner", "proprietaire", "responsable", "commercial", "vendeur", "charge d affaires", "account manager",
        "account owner", "contact owner", "opportunity owner", "deal owner", "company owner", "salesperson", "sales person",
        "sales rep", "sales agent", "sales representative", "assigned to", "assigne a", "attribue a", "hubspot owner",
        "proprietaire du contact", "proprietaire de la transaction", "proprietaire de l entreprise", "record owner",
    ),
    "external_id": (
        "external id", "id externe", "record id", "identifiant externe", "id d enregistrement", "reference externe",
        "object id", "id de l objet",
    ),
}  # fmt: skip

IF_NEED_BE: Mapping[str, tuple[str, ...]] = {
    "last_name": (
        "name",
        "nom complet",
        "full name",
        "display name",
        "file as",
        "nom affiche",
        "contact",
        "contact name",
    ),
}
"""What will do where the file has nothing better."""

ABOUT = frozenset({
    "business", "work", "home", "other", "mailing", "billing", "shipping", "delivery", "primary", "main", "principal",
    "principale", "professionnel", "professionnelle", "pro", "perso", "personnel", "personnelle", "bureau", "domicile",
    "facturation", "livraison", "siege", "address", "adresse", "postal", "postale", "1", "2", "3", "contact", "company",
    "societe", "entreprise", "compte", "account", "deal", "opportunity", "opportunite", "affaire", "transaction", "lead",
    "piste", "record", "customer", "client", "partner", "partenaire", "person", "personne", "organization", "organisation",
    "hubspot", "odoo", "salesforce", "email", "mail", "phone", "telephone",
})  # fmt: skip
"""Words beside what a column holds: whose it is, of which kind, the how manieth."""

FILLERS = frozenset({
    "a", "de", "du", "d", "la", "l", "le", "des", "of", "the", "value", "valeur", "number", "numero", "no",
})  # fmt: skip
"""Words that tell nothing."""
