// Enterprise 1's app: the elements, put together for a whole page.
import '@parley/elements';
import './app.ts';
