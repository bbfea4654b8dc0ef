import type { Place } from './place.ts';

/** Names of what is rendered, in the folder of the version. */
export const mainFile = 'main.cf';
export const masterFile = 'master.cf';
export const receivedFile = 'received.regexp';
export const authoritiesFile = 'tls/client-authorities.pem';
export const certificateFile = (certificateId: string): string => `tls/${certificateId}.pem`;

export const pathIn = ({ folder }: Place, file: string): string => `${folder}/${file}`;
