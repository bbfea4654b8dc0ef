import { randomBytes } from 'node:crypto';
import { createClientAuthority as operation } from '../../../shared/operations/create-client-authority.ts';
import { httpStack } from '../../lib/http.ts';
import { type AuthorityMember, clientAuthorities } from '../../stores/client-authorities.ts';
import { changeCollection, type Edit } from '../../stores/collections.ts';
import { once } from '../write.ts';
import { askedBy, versioned } from './certificates.ts';
import { addAuthority, authorityRules, memberDocument } from './client-authorities.ts';

export const createClientAuthority = httpStack(
  operation,
  (call) =>
    once(call, async (remember) => {
      const id = `authority-${randomBytes(8).toString('hex')}`;
      const answerOf = ({ after }: Edit<AuthorityMember>) =>
        versioned(201, memberDocument(after, call.now), call, `/v1/client-authorities/${id}`);
      const keep = remember && ((edit: Edit<AuthorityMember>) => remember(answerOf(edit)));
      const request = { ...askedBy(call, operation.id), remember: keep };
      const edit = (members: AuthorityMember[]) => addAuthority(members, id, call.body, call.now);
      return answerOf(await changeCollection(clientAuthorities, request, edit));
    }),
  authorityRules,
);
