import { type Names, resolve } from '../intrinsics.ts';
import type { PolicyDocument, RoleModel } from '../model.ts';
import type { Template } from '../template.ts';

// biome-ignore lint/suspicious/noExplicitAny: a template's properties have the shapes that CloudFormation gives them.
type Shape = any;

const propertiesOf = (template: Template, id: string): Shape => template.Resources[id]?.Properties ?? {};

/** Logical ids of what a list refers to: `[{ "Ref": id }]`. */
const referred = (list: Shape): string[] => (list ?? []).map(({ Ref }: Shape) => String(Ref));

const attachedTo = (template: Template, roleId: string): Shape[] =>
  Object.entries(template.Resources)
    .filter(([, { Type }]) => Type === 'AWS::IAM::Policy')
    .map(([id]) => propertiesOf(template, id))
    .filter(({ Roles }) => referred(Roles).includes(roleId));

/** What a managed policy allows is not in the template. */
const assertReadable = (roleId: string, { ManagedPolicyArns = [], PermissionsBoundary }: Shape): void => {
  if (ManagedPolicyArns.length > 0 || PermissionsBoundary !== undefined)
    throw new TypeError(
      `The embedded stack cannot honour ${roleId}: it knows a role's own policies, and neither managed ones nor boundaries.`,
    );
};

/**
 * The role of a function, with its inline policies and those attached to it, resolved. Only roles of functions are read: who else has one is
 * AWS itself. @throws TypeError naming a role that has more than can be decided here.
 */
export const roleOf = (template: Template, names: Names, functionId: string): RoleModel => {
  const [roleId = ''] = propertiesOf(template, functionId).Role?.['Fn::GetAtt'] ?? [];
  const role = propertiesOf(template, roleId);
  assertReadable(roleId, role);
  const documents = [...(role.Policies ?? []), ...attachedTo(template, roleId)].map(
    ({ PolicyDocument: document }) => resolve(names, document) as PolicyDocument,
  );
  return { arn: names.attribute(roleId, 'Arn') ?? '', policies: documents };
};
