// Rooms on the server that an earlier process of ours has left behind (R55). Pipelines carry a tag with their owner's name,
// and every pipeline with our name that is none of our rooms is released.
import type { EngineLog } from './connection.ts';
import { readNames, SERVER_MANAGER } from './messages.ts';
import type { Objects } from './objects.ts';

const OWNER_TAG = 'parley-owner';
const MAX_LOOKED_AT = 1000;

/** Marks a pipeline as ours. */
export async function tagPipeline(objects: Objects, pipeline: string, owner: string): Promise<void> {
  await objects.invoke(pipeline, 'addTag', { key: OWNER_TAG, value: owner });
}

/** Releases what is ours by its tag and not `isLive`. Returns how many that were. */
export async function collectOrphans(
  objects: Objects,
  owner: string,
  isLive: (pipeline: string) => boolean,
  log: EngineLog,
): Promise<number> {
  const all = readNames(await objects.invoke(SERVER_MANAGER, 'getPipelines'));
  let collected = 0;
  for (const pipeline of all.slice(0, MAX_LOOKED_AT)) {
    if (isLive(pipeline)) continue;
    // Without that tag, or gone meanwhile: an error.
    const tag = await objects.invoke(pipeline, 'getTag', { key: OWNER_TAG }).catch(() => null);
    if (tag === owner && !isLive(pipeline)) {
      await objects.release(pipeline);
      collected += 1;
    } else {
      // Having looked at it keeps another's pipeline alive for as long as this session lives.
      await objects.letGo(pipeline);
    }
  }
  if (collected > 0) log.info({ collected }, 'pipelines of an earlier process released on Kurento');
  return collected;
}
