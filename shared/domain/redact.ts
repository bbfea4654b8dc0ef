/** What no log may hold, whoever put it into the message of an error: keys and certificates, tokens, the secret half of a presigned URL. */
const secrets: readonly [RegExp, string][] = [
  [/-----BEGIN [^-]{1,64}-----[\s\S]*?(?:-----END [^-]{1,64}-----|$)/g, '[PEM]'],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, '[token]'],
  [/\b(Bearer\s+)[\w.~+/=-]{8,}/gi, '$1[token]'],
  [/\b(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s"'<>]+/gi, '$1[secret]'],
];

/** Characters of one message that a log keeps: the start says what happened. */
const longest = 1000;

/** The message of an error as a log may hold it: without secrets that are known by their form, and not longer than a line should be. */
export const redacted = (text: string): string => {
  const clean = secrets.reduce((left, [pattern, instead]) => left.replace(pattern, instead), text);
  return clean.length > longest ? `${clean.slice(0, longest)}…` : clean;
};
