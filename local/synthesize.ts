import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template as Assertions } from 'aws-cdk-lib/assertions';
import { ControlPlaneStack } from '../infra/control-plane-stack.ts';
import type { Template } from './template.ts';

const root = join(import.meta.dirname, '..');

/** The context that the CDK CLI would give the app: feature flags change templates, so here they are the same. */
const cdkContext = (): Record<string, unknown> =>
  (JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> }).context;

/** An app of the control plane in this process, without bundling its functions. */
export const controlPlaneApp = (): { app: App; stack: ControlPlaneStack } => {
  const app = new App({ context: { ...cdkContext(), 'aws:cdk:bundling-stacks': [] } });
  return { app, stack: new ControlPlaneStack(app, 'ScannerControlPlane') };
};

/** The template that a deployment would use. */
export const synthesize = (): Template => Assertions.fromStack(controlPlaneApp().stack).toJSON() as Template;
