import { contextVerdict } from '../../../shared/domain/context.ts';
import { getSmtp as operation } from '../../../shared/operations/get-smtp.ts';
import { acknowledgements } from '../../../shared/schemas/common.ts';
import { httpStack } from '../../lib/http.ts';
import { readHead } from '../../stores/heads.ts';
import { readInterfaces } from '../../stores/status.ts';
import { etagOf } from '../write.ts';
import { smtpDocumentOf } from './answer.ts';

export const getSmtp = httpStack(operation, async ({ params }) => {
  const head = await readHead(params.scannerId);
  const { smtp, lists } = head.configuration;
  const interfaces = await readInterfaces(params.scannerId);
  const context = { lists, interfaces, before: smtp, acknowledged: acknowledgements };
  const warnings = smtp ? contextVerdict(smtp, context).warnings : [];
  return { status: 200, body: smtpDocumentOf(head, warnings), headers: etagOf(head) };
});
