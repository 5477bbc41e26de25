// The pool of browsers, as a process: see browser-pool.ts. It serves until whoever started it lets go of it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { launchServer } from './browser.ts';

const MAX_BROWSERS = 31;

const opened = new Map<number, ReturnType<typeof launchServer>>();
const browserOf = (number: number) => {
  const known = opened.get(number) ?? launchServer(number);
  opened.set(number, known);
  return known;
};
const http = createServer(async (request, response) => {
  try {
    const number = Number(request.url?.slice(1));
    if (!Number.isInteger(number) || number < 1 || number > MAX_BROWSERS) throw new Error('no such number');
    const { server } = await browserOf(number);
    response.end(server.wsEndpoint());
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
});
http.listen(0, '127.0.0.1', () => process.send?.(`http://127.0.0.1:${(http.address() as AddressInfo).port}`));
process.once('disconnect', async () => {
  http.close();
  const all = await Promise.allSettled(opened.values());
  await Promise.allSettled(all.map((one) => (one.status === 'fulfilled' ? one.value.close() : undefined)));
  process.exit();
});
