// The node's own certificate: read from its files, and again when they change, so that a renewal needs no restart.
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import type { HttpConfig } from '../config/index.ts';

type Files = NonNullable<HttpConfig['tls']>;

export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly minVersion: 'TLSv1.2';
}

/** How often the files are looked at, in milliseconds. */
const LOOK_MS = 2000;

/** Reads certificate and key. Errors name the field of the configuration. */
export function readCertificate(files: Files): Certificate {
  const read = (field: keyof Files) => {
    try {
      return readFileSync(files[field]);
    } catch (error) {
      throw new Error(`http.tls.${field}: ${files[field]} cannot be read`, { cause: error });
    }
  };
  const certificate: Certificate = { cert: read('certificate'), key: read('key'), minVersion: 'TLSv1.2' };
  try {
    createSecureContext(certificate);
  } catch (error) {
    throw new Error('http.tls: the certificate and the key are damaged or do not belong together', { cause: error });
  }
  return certificate;
}

/**
 * Serves new connections with what the files hold, from whenever they change; those that are open go on. While the files
 * do not fit each other (one is written before the other) the old certificate stays. Returns what ends it.
 */
export function followCertificate(server: Server, files: Files, log: Logger): () => void {
  const paths = [files.certificate, files.key];
  const reread = () => {
    try {
      server.setSecureContext(readCertificate(files));
      log.info('the certificate has been renewed');
    } catch (error) {
      log.error({ err: error }, 'the certificate stays as it was');
    }
  };
  for (const path of paths) watchFile(path, { interval: LOOK_MS, persistent: false }, reread);
  return () => {
    for (const path of paths) unwatchFile(path, reread);
  };
}
