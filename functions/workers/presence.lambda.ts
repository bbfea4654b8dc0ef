import type { PresenceEvent } from '../../shared/domain/presence.ts';
import { following } from '../lib/followed.ts';
import { observed } from '../lib/observed.ts';
import { takePresence } from './take-presence.ts';

/** A Scanner has connected or disconnected. */
export const handler = observed((event: PresenceEvent) =>
  following({ scannerId: event.clientId }, () => takePresence(event)),
);
