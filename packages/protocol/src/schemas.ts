// The protocol as JSON Schema files (draft 2020-12) for whoever writes a node or an app in another language (R50, R76).
// `npm run schemas` writes them to packages/protocol/schema; schemas.test.ts holds them in step with the code.
import { z } from 'zod';
import { deviceMethods, deviceNotifications, PROTOCOL_VERSION } from './device.ts';
import { eventSchema } from './events.ts';
import { linkMethods, wellKnownSchema } from './link.ts';
import { failureSchema, notificationSchema, requestSchema, successSchema } from './rpc.ts';

type Json = Record<string, unknown>;

/** Every schema file's name and content. What crosses a socket is input to somebody, so the input side is described. */
export function schemaFiles(): Record<string, Json> {
  const requests = (methods: typeof deviceMethods | typeof linkMethods) =>
    Object.fromEntries(
      Object.entries(methods).flatMap(([name, { params, result }]) => [
        [`${name}.params`, describe(params)],
        [`${name}.result`, describe(result)],
      ]),
    );
  const envelope = {
    request: describe(requestSchema),
    notification: describe(notificationSchema),
    success: describe(successSchema),
    failure: describe(failureSchema),
  };
  const notifications = Object.entries(deviceNotifications).map(([name, schema]) => [name, describe(schema)]);
  const files = {
    'envelope.json': definitions('The JSON-RPC 2.0 envelope of every frame', envelope),
    'device-requests.json': definitions('What a device may ask of its node', requests(deviceMethods)),
    'device-notifications.json': definitions('What a node tells a device', Object.fromEntries(notifications)),
    'link-requests.json': definitions('What two nodes may ask of each other', requests(linkMethods)),
    'event.json': { $schema: DRAFT, title: 'One event of a conversation', ...describe(eventSchema) },
    'well-known.json': { $schema: DRAFT, title: '/.well-known/parley of a domain', ...describe(wellKnownSchema) },
  };
  return { ...files, 'index.json': index() };
}

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

function describe(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}

function definitions(title: string, $defs: Record<string, Json>): Json {
  return { $schema: DRAFT, title, $defs };
}

/** Where each message is described: a reference into one of the files. */
function index(): Json {
  const at = (file: string, name: string) => `${file}#/$defs/${name}`;
  const requests = (file: string, methods: object) =>
    Object.fromEntries(
      Object.keys(methods).map((name) => [
        name,
        { params: at(file, `${name}.params`), result: at(file, `${name}.result`) },
      ]),
    );
  return {
    version: PROTOCOL_VERSION,
    envelope: 'envelope.json',
    event: 'event.json',
    wellKnown: 'well-known.json',
    deviceRequests: requests('device-requests.json', deviceMethods),
    deviceNotifications: Object.fromEntries(
      Object.keys(deviceNotifications).map((name) => [name, { params: at('device-notifications.json', name) }]),
    ),
    linkRequests: requests('link-requests.json', linkMethods),
  };
}

/** A schema file as it is written: readable, and the same bytes every time. */
export function schemaText(content: Json): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}
