/** Numbers as people write them, in French or in English, and amounts as the page shows them. */
const SPACES = /[\s\u00a0\u202f']/g;
const THOUSANDS = { ",": /^-?\d{1,3}(,\d{3})+(\.\d+)?$/, ".": /^-?\d{1,3}(\.\d{3})+(,\d+)?$/ };

export const language = () => document.documentElement.lang || "en";

/** A plain decimal ("1234.5") from "1 234,50", "1.234,50", "1,234.50" or "12 %"; null for what is no number. "1,234" is read in the page's language, as the server does. */
export function plainNumber(text) {
  let written = String(text ?? "").replace(SPACES, "").replace(/[€$£%]$/, "").replace(/^[€$£]/, "").replace("\u2212", "-");
  const french = language().startsWith("fr");
  const ambiguous = /^-?\d{1,3}[.,]\d{3}$/.test(written);
  if (ambiguous ? !french && written.includes(",") : THOUSANDS[","].test(written)) written = written.replaceAll(",", "");
  else if (!ambiguous && THOUSANDS["."].test(written)) written = written.replaceAll(".", "");
  written = written.replace(",", ".");
  return /^-?(\d+(\.\d*)?|\.\d+)$/.test(written) ? written : null;
}

export const readNumber = (text) => {
  const plain = plainNumber(text);
  return plain === null ? null : Number(plain);
};

/** A plain decimal as an input of this page's language holds it. */
export const typedNumber = (plain) => (language().startsWith("fr") ? plain.replace(".", ",") : plain);
