// `npm run build [-- --force]`: the apps, as the nodes serve them.
import { buildApps } from './apps.ts';

process.exitCode = (await buildApps({ force: process.argv.includes('--force') })) ? 0 : 1;
