import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { until } from '../../../helpers/until.ts';

/** What a Node process needs in NODE_OPTIONS, so that it can be made to hang: a free port, and not always the same. */
export const hangable = '--inspect-port=0';

/**
 * Has a Node process loop for ever, as by a mistake in it. Begin with SIGUSR1, by which it opens its debugger; `said` is what it has written to
 * stderr: where that is.
 */
export const hang = async (said: () => string): Promise<void> => {
  const url = await until('its debugger listens', () =>
    said()
      .match(/ws:\/\/127\S+/g)
      ?.at(-1),
  );
  const debuggee = new WebSocket(url);
  onTestFinished(() => debuggee.close());
  await once(debuggee, 'open');
  debuggee.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'for (;;);' } }));
};
