import type { Rendered } from '../../../../scanner/postfix/render/render.ts';

export type Values = Record<string, string>;

const parameter = /^([a-z0-9_]+) =(?: (.+))?$/;

/** main.cf as Postfix reads it, if it has only whole lines. @throws Error for any other line. */
export const mainOf = ({ files }: Pick<Rendered, 'files'>): Values => {
  const lines = (files['main.cf']?.text ?? '').split('\n').filter((line) => line !== '' && line[0] !== '#');
  return Object.fromEntries(
    lines.map((line) => {
      const [whole, name = '', value = ''] = parameter.exec(line) ?? [];
      if (whole === undefined) throw new Error(`This is no parameter: ${line}`);
      return [name, value];
    }),
  );
};

export interface Service {
  type: string;
  processes: string;
  command: string;
  overrides: Values;
}

const header = /^(\S+) (inet|unix|unix-dgram) [n-] - n [0-9?-]+ (\d+|-) ([a-z-]+)$/;
const override = /^ {4}-o \{([a-z0-9_A-Z]+)=(.*)\}$/;

/** master.cf, by the names of services, if it has only whole lines. @throws Error for any other line. */
export const masterOf = ({ files }: Pick<Rendered, 'files'>): Record<string, Service> => {
  const services: Record<string, Service> = {};
  let last: Service | undefined;
  for (const line of (files['master.cf']?.text ?? '').trimEnd().split('\n').slice(1)) {
    const [, name, value = ''] = override.exec(line) ?? [];
    if (name && last) last.overrides[name] = value;
    else {
      const [, service, type = '', processes = '', command = ''] = header.exec(line) ?? [];
      if (!service) throw new Error(`This is no service: ${line}`);
      last = { type, processes, command, overrides: {} };
      services[service] = last;
    }
  }
  return services;
};
