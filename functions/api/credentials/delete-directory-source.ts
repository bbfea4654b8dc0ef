import { deleteDirectorySource as operation } from '../../../shared/operations/delete-directory-source.ts';
import { httpStack } from '../../lib/http.ts';
import { changeCollection } from '../../stores/collections.ts';
import { directorySources, type SourceMember, shownSource } from '../../stores/directory-sources.ts';
import { askedBy } from './certificates.ts';
import { removeMember } from './members.ts';

export const deleteDirectorySource = httpStack(operation, async (call) => {
  const { directorySourceId: id } = call.params;
  const { before } = await changeCollection(directorySources, askedBy(call, operation.id), (members) =>
    removeMember(members, id, call.ifMatch),
  );
  return { status: 200, body: shownSource(before as SourceMember) };
});
