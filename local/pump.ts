/** Something that is done again and again while there is something to do, and looked at when woken or after a while. */
export interface Pump {
  /** There may be something to do now. */
  wake(): void;
  /** Resolves when what is under way has ended; nothing is begun after it. */
  stop(): Promise<void>;
}

/**
 * Runs `round` until it answers that there was nothing to do, then waits for `idleMs`, which may differ each time, or to be woken. An error of a round is told to
 * `onError` and counts as nothing to do.
 */
export const startPump = (
  round: () => Promise<boolean>,
  options: { idleMs: number | (() => number); onError: (error: unknown) => void },
): Pump => {
  let stopping = false;
  let woken = false;
  let wakeUp: (() => void) | undefined;

  const rest = () =>
    new Promise<void>((resolve) => {
      if (woken || stopping) return resolve();
      const { idleMs } = options;
      const timer = setTimeout(resolve, typeof idleMs === 'number' ? idleMs : idleMs());
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const run = async () => {
    while (!stopping) {
      woken = false;
      const busy = await round().catch((error: unknown) => {
        options.onError(error);
        return false;
      });
      if (!busy) await rest();
    }
  };

  const running = run();
  return {
    wake() {
      woken = true;
      wakeUp?.();
    },
    async stop() {
      stopping = true;
      wakeUp?.();
      await running;
    },
  };
};
