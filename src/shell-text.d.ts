/** A program for a shell, as text. The build, the tests and scripts/ each load it so. */
declare module '*.sh' {
  const text: string;
  export default text;
}
