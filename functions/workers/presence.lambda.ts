import type { PresenceEvent } from '../../shared/domain/presence.ts';
import { takePresence } from './take-presence.ts';

/** A Scanner has connected or disconnected. */
export const handler = (event: PresenceEvent): Promise<void> => takePresence(event);
