import { randomBytes } from 'node:crypto';
import { directorySourceProblems } from '../../../shared/domain/directory-sources.ts';
import { createDirectorySource as operation } from '../../../shared/operations/create-directory-source.ts';
import { httpStack } from '../../lib/http.ts';
import { changeCollection, type Edit } from '../../stores/collections.ts';
import { directorySources, type SourceMember, shownSource } from '../../stores/directory-sources.ts';
import { once } from '../write.ts';
import { askedBy, versioned } from './certificates.ts';
import { addSource } from './directory-sources.ts';

export const createDirectorySource = httpStack(
  operation,
  (call) =>
    once(call, async (remember) => {
      const id = `directory-${randomBytes(8).toString('hex')}`;
      const answerOf = ({ after }: Edit<SourceMember>) =>
        versioned(201, shownSource(after as SourceMember), call, `/v1/directory-sources/${id}`);
      const keep = remember && ((edit: Edit<SourceMember>) => remember(answerOf(edit)));
      const request = { ...askedBy(call, operation.id), remember: keep };
      const edit = (members: SourceMember[]) => addSource(members, id, call.body, call.now);
      return answerOf(await changeCollection(directorySources, request, edit));
    }),
  directorySourceProblems,
);
