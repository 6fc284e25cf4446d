import { LocalCluster } from "taskflock";
const cluster = await LocalCluster.start({ workers: 2, threadsPerWorker: 1 });
const client = await cluster.connect();
const f=(x:number)=>x+1;
await new Promise(r=>setTimeout(r,700));
for (let i=0;i<1500;i++) await client.call(f,[i]);
const t:number[]=[];
for (let i=0;i<6000;i++){const a=performance.now();await client.call(f,[i]);t.push(performance.now()-a);}
t.sort((a,b)=>a-b);
console.log(process.env["TF_FLAGS"]??"-",process.env["TF_GROW"]??"-",'p50',t[3000]!.toFixed(3),'p99',t[5940]!.toFixed(3),'p99.9',t[5994]!.toFixed(3));
await client.close(); await cluster.close?.();
process.exit(0);
