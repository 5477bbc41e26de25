// Vite makes a style sheet of an imported CSS file; there is nothing in it for the program.
declare module '*.css';
