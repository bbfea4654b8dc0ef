import { emptyListVerdict } from '../../../shared/domain/settings.ts';
import { getSmtp as operation } from '../../../shared/operations/get-smtp.ts';
import { httpStack } from '../../lib/http.ts';
import { readHead } from '../../stores/heads.ts';
import { etagOf } from '../write.ts';
import { smtpDocumentOf } from './answer.ts';

export const getSmtp = httpStack(operation, async ({ params }) => {
  const head = await readHead(params.scannerId);
  const { smtp, lists } = head.configuration;
  const { warnings } = emptyListVerdict(smtp, lists, ['empty-list']);
  return { status: 200, body: smtpDocumentOf(head, warnings), headers: etagOf(head) };
});
