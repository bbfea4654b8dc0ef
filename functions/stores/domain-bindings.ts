import { domainBindingsText } from '../../shared/domain/artifacts.ts';
import type { AdvancedSettings } from '../../shared/schemas/advanced.ts';
import { prefixes } from '../../shared/tables.ts';
import { putText, sha256 } from './objects.ts';

/** Stores the bindings of domains as the object that the shadow names by its digest; nothing where there are none. */
export const writeDomainBindings = async (advanced: AdvancedSettings): Promise<void> => {
  const text = domainBindingsText(advanced);
  if (text !== null) await putText(`${prefixes.artifacts}${sha256(text)}`, text, 'application/json');
};
