// What the parts of the contract suite share, and what an engine's own test hands to it.
import type { Stage } from './contract-browser.ts';
import type { MediaEngine, MediaRoom } from './engine.ts';

/** What the tests of one engine share. */
export interface ContractStage {
  stage(): Stage;
  engine(): MediaEngine;
  newRoom(): Promise<MediaRoom>;
}

/** Options of a test that is left out where the suite is played in brief, unless all tests are run. */
export const inFull = ({ brief = false }: EngineTools) => ({
  skip: brief && !process.env.PARLEY_TEST_ALL && 'played by npm test -- --all',
});

/** What an engine's own test can do from outside. */
export interface EngineTools {
  /** Takes the engine away as a crash would. */
  readonly lose?: (engine: MediaEngine) => void | Promise<void>;
  /** For a double that passes media on by the embedded engine's own code: leaves out what that engine's run shows. */
  readonly brief?: boolean;
  /** Something that grows when legs are forgotten: open files, sessions of a server, memory. */
  readonly held?: (engine: MediaEngine) => number | Promise<number>;
}
