import type { Head } from '../../../shared/domain/configuration.ts';
import { contextVerdict } from '../../../shared/domain/context.ts';
import type { Warning } from '../../../shared/errors.ts';
import { getSmtp as operation } from '../../../shared/operations/get-smtp.ts';
import { acknowledgements } from '../../../shared/schemas/common.ts';
import { readWorld } from '../../common/world.ts';
import { httpStack } from '../../lib/http.ts';
import { readHead } from '../../stores/heads.ts';
import { etagOf } from '../write.ts';
import { smtpDocumentOf } from './answer.ts';

/** What to know of settings today: what would refuse them as they are is no news to a reader, but a warning. */
const warningsOf = async (head: Head, now: Date): Promise<Warning[]> => {
  const { smtp, ...rest } = head.configuration;
  if (!smtp) return [];
  const asked = { acknowledged: acknowledgements, now };
  const { problems, warnings } = contextVerdict(
    smtp,
    (await readWorld(head, { ...rest, smtp }, asked)).context,
  );
  return [...problems, ...warnings];
};

export const getSmtp = httpStack(operation, async ({ params, now }) => {
  const head = await readHead(params.scannerId);
  return { status: 200, body: smtpDocumentOf(head, await warningsOf(head, now)), headers: etagOf(head) };
});
