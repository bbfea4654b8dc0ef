import { standingOf } from '../../../shared/domain/standing.ts';
import { syncOf } from '../../../shared/domain/sync.ts';
import type { Scanner } from '../../../shared/schemas/scanner.ts';
import type { ScannerRecord } from '../../stores/scanners.ts';
import type { ScannerState } from '../../stores/status.ts';

/** The ETag of a registration is its own version: it has no revision, which is of the configuration. */
export const registrationTag = ({ version }: ScannerRecord): { etag: string } => ({ etag: `"${version}"` });

/** A Scanner as the API answers it. */
export const scannerAnswer = (state: ScannerState): Scanner => {
  const { scannerId, hostName, description, labels, enabled, createdAt } = state.scanner;
  return {
    scannerId,
    ...(hostName === undefined ? {} : { hostName }),
    ...(description === undefined ? {} : { description }),
    labels,
    enabled,
    connected: state.presence?.connected ?? false,
    interfaces: state.inventory?.interfaces ?? [],
    software: state.inventory?.software ?? null,
    revision: state.head.revision,
    state: standingOf(state).state,
    conditions: syncOf(state).conditions,
    createdAt,
  };
};
