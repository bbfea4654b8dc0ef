/** Milliseconds in which more signals are the same one: Ctrl-C reaches a process from the terminal, and again from npm, which hands it on. */
const sameMs = 500;

/** SIGHUP comes when a terminal is closed. */
const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Milliseconds between looks at the parent. */
const parentMs = 200;

/**
 * npm hands a signal on to the shell that it runs a script in, and a shell that does not put the program in its own place (dash) ends by it and tells
 * nobody: then only the program's parent has changed.
 */
const parentGone = (act: () => void): NodeJS.Timeout => {
  const parent = process.ppid;
  return setInterval(() => {
    if (process.ppid !== parent) act();
  }, parentMs).unref();
};

/**
 * Resolves with why this process is to end: the name of the first signal (SIGINT, SIGTERM, SIGHUP), or, where npm has started it, that npm's shell has
 * ended. Another signal, a moment later, ends the process at once.
 */
export const signalled = ({ byNpm }: { byNpm: boolean }): Promise<string> =>
  new Promise((resolve) => {
    let looking: NodeJS.Timeout | undefined;
    const hear = (why: string): void => {
      clearInterval(looking);
      resolve(why);
      setTimeout(() => {
        for (const name of names) process.off(name, hear);
      }, sameMs).unref();
    };
    for (const name of names) process.on(name, hear);
    if (byNpm) looking = parentGone(() => hear('the end of npm'));
  });

/** True where a script of npm has started this process, or what has started it. */
export const isOfNpm = (env: NodeJS.ProcessEnv): boolean => env['npm_lifecycle_event'] !== undefined;
