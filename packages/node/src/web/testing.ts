// For tests: a request whose Host can be chosen, which `fetch` does not allow, and what it answers in full.
import { type IncomingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An `upgrade` that is granted answers with status 101 and is ended at once. */
export function send(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false });
    sent.on('error', reject);
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: '' });
    });
    sent.on('response', async (response) => {
      try {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: await text(response) });
      } catch (error) {
        reject(error);
      }
    });
    sent.end(body);
  });
}
