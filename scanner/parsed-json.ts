/** What a text means; undefined for what is no JSON, of which nothing is told, for an error would show the text. */
export const parsedJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
