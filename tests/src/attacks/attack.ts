// What an attack is: who attacks, what is tried, and the exact refusal that is expected.
import type { World } from './world.ts';

export interface Attack {
  readonly name: string;
  readonly by:
    | 'anybody'
    | 'a guest'
    | 'another web site'
    | 'a colleague'
    | 'somebody of another company'
    | 'another provider';
  /** The code with which it must be refused. */
  readonly refusedWith: string;
  /** Tries it; resolves to the code of what came back. */
  attempt(world: World): Promise<string>;
}
