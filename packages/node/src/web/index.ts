// The web server of a node: the company's app, the JSON routes the rooms add, and the door for WebSockets.
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Server as SecureServer } from 'node:https';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { ParleyError } from '@parley/protocol';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  fastify,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import type { HttpConfig } from '../config/index.ts';
import { securityHeaders } from './headers.ts';
import { errorBody, fromHttpError, statusOf } from './http-errors.ts';
import { createOriginGuard, type OriginGuard } from './origin-guard.ts';
import { followCertificate, readCertificate } from './tls.ts';
import { createUpgrades, type UpgradeHandler } from './upgrades.ts';

export { fetchWithLoopback, loopbackLookup } from './resolve.ts';
export { refuseUpgrade, type UpgradeHandler } from './upgrades.ts';

/** Largest body of a request; media and messages go by WebSocket. */
const MAX_BODY_BYTES = 64 * 1024;
/** How long a request may take to arrive, and to be answered, in milliseconds. */
const REQUEST_MS = 15_000;
const HANDLER_MS = 30_000;
const MAX_CONNECTIONS = 20_000;

export interface Web {
  /** Rooms add their routes here before `listen`. Thrown `ParleyError`s become JSON answers. */
  readonly app: FastifyInstance;
  /** The node's public origin: the first configured one. */
  readonly origin: string;
  /** The configured origin at which this request was made, or null if its `Host` is none of ours. */
  originOf(request: Pick<IncomingMessage, 'headers'>): string | null;
  /** Sets the handler of WebSocket upgrades at a path. Host and Origin have been checked before it is called. */
  onUpgrade(path: string, handler: UpgradeHandler): void;
  /** Errors name the field of the configuration, such as a taken port. */
  listen(): Promise<{ port: number }>;
  /** Ends what is open and stops listening. */
  close(): Promise<void>;
}

export function createWeb({
  config,
  log,
  health = async () => ({}),
}: {
  config: { readonly http: HttpConfig; readonly federation?: { readonly hosts: Readonly<Record<string, string>> } };
  log: Logger;
  /** What /healthz tells besides that the node is up. */
  health?: () => Promise<Record<string, number>>;
}): Web {
  const { http } = config;
  const oneMachine = Object.keys(config.federation?.hosts ?? {}).length > 0;
  let guard: OriginGuard = createOriginGuard(http.origins, http.port);
  const app = createApp(http, log.child({ room: 'web' }));

  app.addHook('onRequest', async (request) => {
    const safe = request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS';
    if (!safe && !guard.permits(request.headers, 'refuse')) throw new ParleyError('origin-not-allowed');
  });
  app.addHook('onSend', async (request, reply) => {
    reply.headers(securityHeaders(guard.originOf(request.headers), oneMachine));
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });
  // The query may hold a sign-in's code, so only the route is logged.
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const ms = Math.round(reply.elapsedTime);
    request.log.debug({ method: request.method, route, status: reply.statusCode, ms }, 'answered');
  });
  app.setErrorHandler((thrown, request, reply) => {
    const error = fromHttpError(thrown);
    if (error.code === 'internal-error') request.log.error({ err: error.cause ?? error }, 'a request failed');
    return reply.status(statusOf(error.code)).send(errorBody(error));
  });
  app.get('/healthz', async () => ({ status: 'ok', ...(await health()) }));
  serveApp(app, http.app);

  const { server } = app as { server: unknown };
  const stopFollowing =
    http.tls && server instanceof SecureServer ? followCertificate(server, http.tls, log) : () => {};
  const upgrades = createUpgrades(app.server, (request) => guard.permits(request.headers, 'permit'));

  return {
    app,
    get origin() {
      return guard.canonical;
    },
    originOf: (request) => guard.originOf(request.headers),
    onUpgrade: upgrades.on,
    async listen() {
      try {
        await app.listen({ host: http.host, port: http.port });
      } catch (error) {
        throw listenError(error, http);
      }
      const address = app.server.address();
      const port = typeof address === 'object' && address ? address.port : http.port;
      guard = createOriginGuard(http.origins, port);
      return { port };
    },
    async close() {
      stopFollowing();
      upgrades.close();
      await app.close();
    },
  };
}

function createApp(http: HttpConfig, log: Logger): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = log;
  const options = {
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_MS,
    handlerTimeout: HANDLER_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 300 },
    // Only for `request.ip`, which budgets go by; where the node is comes from the configuration.
    trustProxy: http.proxies.length > 0 ? [...http.proxies] : false,
  } satisfies FastifyServerOptions;
  const app: FastifyInstance = http.tls
    ? (fastify({ ...options, https: readCertificate(http.tls) }) as unknown as FastifyInstance)
    : fastify(options);
  app.server.maxConnections = MAX_CONNECTIONS;
  return app;
}

function serveApp(app: FastifyInstance, folder: string | null): void {
  if (folder !== null) {
    if (!existsSync(join(folder, 'index.html'))) {
      throw new Error(`http.app: there is no index.html in ${folder}. Build the app first (npm run build).`);
    }
    app.register(fastifyStatic, {
      root: folder,
      cacheControl: false,
      // `.br` and `.gz` beside a file, for browsers that take them.
      preCompressed: true,
      setHeaders(reply, path) {
        // The build puts a hash of the content into these names, so what a name holds never changes.
        const hashed = /[\\/]assets[\\/][^\\/]+-[\w-]{8,}\.\w+(?:\.br|\.gz)?$/.test(path);
        reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  }
  app.setNotFoundHandler((request, reply) => {
    const page = request.method === 'GET' && request.headers.accept?.includes('text/html');
    // The app shows its own pages at paths of its own; a file that is missing is not one of them.
    if (folder !== null && page && !/\.\w+$/.test(request.url.split('?')[0] ?? '')) return reply.sendFile('index.html');
    throw new ParleyError('unknown-method', 'there is nothing at this path');
  });
}

function listenError(error: unknown, { host, port }: HttpConfig): Error {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const setOther = 'set http.port (PARLEY_HTTP_PORT) to another';
  const text =
    code === 'EADDRINUSE'
      ? `http.port: port ${port} at ${host} is taken. Stop the program that uses it, or ${setOther}.`
      : code === 'EACCES'
        ? `http.port: port ${port} needs special rights. Give them, or ${setOther} above 1023.`
        : code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
          ? `http.host: ${host} is not an address of this machine. Set http.host (PARLEY_HTTP_HOST) to one that is.`
          : `http: cannot listen at ${host}:${port}`;
  return new Error(text, { cause: error });
}
