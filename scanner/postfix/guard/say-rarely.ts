/** Milliseconds after which the same is said again, and how many are remembered. */
const againMs = 60_000;
const mostRemembered = 64;

/** Says something at once, and the same again only after a minute: a flood of failures has few reasons. `now` answers milliseconds of a clock that never goes back. */
export const sayRarely = (log: (line: string) => void, now: () => number) => {
  const said = new Map<string, number>();
  return (reason: string, line: string): void => {
    const last = said.get(reason);
    if (last !== undefined && now() - last < againMs) return;
    if (said.size >= mostRemembered) said.clear();
    said.set(reason, now());
    log(line);
  };
};
