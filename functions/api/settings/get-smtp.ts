import { contextVerdict } from '../../../shared/domain/context.ts';
import { getSmtp as operation } from '../../../shared/operations/get-smtp.ts';
import { acknowledgements } from '../../../shared/schemas/common.ts';
import { httpStack } from '../../lib/http.ts';
import { readHead } from '../../stores/heads.ts';
import { etagOf } from '../write.ts';
import { smtpDocumentOf } from './answer.ts';

export const getSmtp = httpStack(operation, async ({ params }) => {
  const head = await readHead(params.scannerId);
  const { smtp, lists } = head.configuration;
  const warnings = smtp ? contextVerdict(smtp, lists, acknowledgements).warnings : [];
  return { status: 200, body: smtpDocumentOf(head, warnings), headers: etagOf(head) };
});
