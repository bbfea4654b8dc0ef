/**
 * Asks `look` again and again until it answers something truthy, and returns that. An error counts as "not yet".
 * Fails after `seconds` with what was seen last, so that a slow machine waits and a broken one says why. The last look begins after that time: a
 * process that stood still meanwhile sees what has come of it.
 */
export const until = async <T>(
  what: string,
  look: () => T | Promise<T>,
  { seconds = 60, everyMs = 50 } = {},
): Promise<NonNullable<Exclude<T, false | '' | 0>>> => {
  const deadline = performance.now() + seconds * 1000;
  let last: unknown;
  for (let isLast = false; !isLast; ) {
    isLast = performance.now() >= deadline;
    try {
      const seen = await look();
      if (seen) return seen as NonNullable<Exclude<T, false | '' | 0>>;
      last = seen;
    } catch (error) {
      last = error;
    }
    if (!isLast) await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  const shown = last instanceof Error ? last.message : JSON.stringify(last);
  throw new Error(`not within ${seconds} s: ${what}; last seen: ${shown}`);
};
