import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template as Assertions } from 'aws-cdk-lib/assertions';
import { readConfig } from '../infra/config.ts';
import { ControlPlaneStack } from '../infra/control-plane-stack.ts';
import { audience } from './audience.ts';
import type { Template } from './template.ts';

const root = join(import.meta.dirname, '..');

/** The context that the CDK CLI would give the app: feature flags change templates, so here they are the same. */
const cdkContext = (): Record<string, unknown> =>
  (JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> }).context;

/**
 * What the embedded stack is deployed with: an issuer elsewhere instead of a user pool, as any operator may have it. Its address is only
 * known at the start, and comes as a parameter.
 */
export const embeddedSettings = { issuer: 'https://issuer.invalid', audience: [audience] };

/** An app of the control plane in this process, without bundling its functions. */
export const controlPlaneApp = (
  settings: Record<string, unknown> = embeddedSettings,
): { app: App; stack: ControlPlaneStack } => {
  const app = new App({ context: { ...cdkContext(), 'aws:cdk:bundling-stacks': [] } });
  const config = readConfig(settings);
  return { app, stack: new ControlPlaneStack(app, config.name, { config }) };
};

/** The template that a deployment with these settings would use. The folder that CDK writes it to goes. */
export const synthesize = (settings?: Record<string, unknown>): Template => {
  const { app, stack } = controlPlaneApp(settings);
  try {
    return Assertions.fromStack(stack).toJSON() as Template;
  } finally {
    rmSync(app.outdir, { recursive: true, force: true });
  }
};
