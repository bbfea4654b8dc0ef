import { advancedVerdict } from '../../../shared/domain/advanced.ts';
import { getSmtpAdvanced as operation } from '../../../shared/operations/get-smtp-advanced.ts';
import { httpStack } from '../../lib/http.ts';
import { readHead } from '../../stores/heads.ts';
import { readInterfaces } from '../../stores/status.ts';
import { etagOf } from '../write.ts';
import { advancedDocumentOf } from './answer.ts';

export const getSmtpAdvanced = httpStack(operation, async ({ params }) => {
  const head = await readHead(params.scannerId);
  const { smtp, advanced } = head.configuration;
  const interfaces = await readInterfaces(params.scannerId);
  const { warnings } = advancedVerdict(advanced, { smtp, interfaces, before: advanced });
  return { status: 200, body: advancedDocumentOf(head, warnings), headers: etagOf(head) };
});
