import { type ExpirySummary, expirySummary, type Watched } from '../../shared/domain/expiry.ts';
import { logger } from '../lib/logger.ts';
import { measure } from '../lib/metrics.ts';
import { observed } from '../lib/observed.ts';
import { pagesOf } from '../lib/pages.ts';
import { listCertificates } from '../stores/certificates.ts';
import { listClientAuthorities } from '../stores/client-authorities.ts';

const all = async <T>(list: Parameters<typeof pagesOf<T>>[0]): Promise<T[]> => {
  const found: T[] = [];
  for await (const items of pagesOf(list, 100)) found.push(...items);
  return found;
};

/** Certificates of servers, and those by which clients are verified: when either ends, mail stops. */
const watched = async (): Promise<Watched[]> => {
  const [certificates, authorities] = await Promise.all([all(listCertificates), all(listClientAuthorities)]);
  return [
    ...certificates.map(({ certificateId: id, notBefore, notAfter }) => ({ id, notBefore, notAfter })),
    ...authorities.flatMap(({ clientAuthorityId: id, certificates: own }) =>
      own.map(({ notBefore, notAfter }) => ({ id, notBefore, notAfter })),
    ),
  ];
};

const emit = ({ daysUntilFirst, expiring, expired }: ExpirySummary): void => {
  if (daysUntilFirst !== null) measure('DaysUntilFirstCertificateExpires', daysUntilFirst);
  measure('CertificatesExpiring', expiring.length);
  measure('CertificatesExpired', expired.length);
};

/** Once a day: how long certificates are still good, as metrics to be alarmed on, and the id of each that should be renewed: names are a caller's words (ADR 0021). */
export const handler = observed<void, void>(async () => {
  const summary = expirySummary(await watched(), new Date());
  for (const { id, notAfter } of summary.expired) logger.error('certificate expired', { id, notAfter });
  for (const { id, notAfter } of summary.expiring) logger.warn('certificate expiring', { id, notAfter });
  emit(summary);
});
