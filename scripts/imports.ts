// Reads what a source file imports, with a real parser, so that comments and strings cannot mislead.
import { parseSync, Visitor } from 'vite';

/** Specifiers of all imports of a TypeScript or JavaScript file: static, re-exporting, dynamic, and of types. */
export function importsOf(file: string, source: string): string[] {
  const { program, module, errors } = parseSync(file, source);
  const error = errors[0];
  if (error) throw new Error(`${file}: ${error.message}`);
  const found = new Set<string>();
  for (const statement of module.staticImports) found.add(statement.moduleRequest.value);
  for (const statement of module.staticExports) {
    for (const entry of statement.entries) if (entry.moduleRequest) found.add(entry.moduleRequest.value);
  }
  const visitor = new Visitor({
    ImportExpression: (node) => {
      if (node.source.type === 'Literal' && typeof node.source.value === 'string') found.add(node.source.value);
    },
    TSImportType: (node) => {
      found.add(node.source.value);
    },
  });
  visitor.visit(program);
  return [...found];
}
