/**
 * Works on all items, up to `width` at a time. One that fails stops no other: the failures are answered, in the order in which they came.
 */
export const inParallel = async <T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<{ item: T; error: unknown }[]> => {
  const failures: { item: T; error: unknown }[] = [];
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item).catch((error: unknown) => failures.push({ item, error }));
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return failures;
};
