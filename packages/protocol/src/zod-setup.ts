// Has to run before any schema is made, so it is a file of its own that index.ts imports first.
import { z } from 'zod';

// zod can compile checks with `new Function`; a page with a strict Content-Security-Policy forbids that.
z.config({ jitless: true });
