// Every script runs on the Node that Lambda runs. It comes from the registry as an optional package,
// and npm drops an optional package silently when its download fails: say so instead of failing later.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(`This project runs on Node 24 and found Node ${process.versions.node}.`);
  console.error('Its own Node 24 is missing from node_modules. Run: rm -rf node_modules && npm ci');
  console.error('(On a platform without that package, install Node 24 yourself.)');
  process.exit(1);
}
