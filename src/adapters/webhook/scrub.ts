/** Shorter pieces of a secret (`v2`, `send`) are ordinary words that answers may use. */
const PIECE_MIN = 8;

/**
 * Takes secrets out of a text that somebody else wrote, such as the answer of a server that repeats the token it did
 * not like: the secret as it is, as it looks in an address, and the longer parts of an address by themselves.
 */
export function scrub(text: string, secrets: readonly string[]): string {
  const pieces = secrets.flatMap((secret) => [secret, ...piecesOf(secret)]).filter((piece) => piece.length > 3);
  const forms = new Set(pieces.flatMap((piece) => [piece, encodeURIComponent(piece), decoded(piece)]));
  let clean = text;
  for (const form of [...forms].sort((a, b) => b.length - a.length)) {
    if (form.length > 3) clean = clean.replaceAll(form, "[secret]");
  }
  return clean;
}

function piecesOf(secret: string): readonly string[] {
  const url = parseUrl(secret);
  const words =
    url === null
      ? secret.split(/\s+/)
      : [
          ...url.pathname.split("/"),
          ...url.searchParams.values(),
          url.username,
          url.password,
          url.pathname + url.search,
        ];
  return words.filter((word) => word.length >= PIECE_MIN);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** null for what is no URL: `new URL` throws, with the text of it. */
export function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
