// Enterprise 1's app: the elements, put together for a whole page.
import '@fontsource-variable/inter/wght.css';
import '@parley/elements';
import './app.ts';
