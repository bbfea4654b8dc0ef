import { decommissionWake } from '../../shared/messages/wake.ts';
import { observed } from '../lib/observed.ts';
import { decommission } from './decommission-scanner.ts';

/** A Scanner was decommissioned, or something of it appeared after that; the message says only which. */
export const handler = observed((event: unknown) => decommission(decommissionWake.parse(event).scannerId));
