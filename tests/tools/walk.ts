// A client made of the contract by openapi-typescript and openapi-fetch: walks through every list, and meets 404 and 429.
import createClient from "openapi-fetch";
import type { paths } from "./contract.js";

declare const process: { argv: string[] };

type Query = { limit?: number; cursor?: string; as_of?: string };

let waited = 0;

async function patient(request: Request): Promise<Response> {
  for (let tries = 0; tries < 5; tries++) {
    const answer = await fetch(request.clone());
    if (answer.status !== 429) return answer;
    waited++;
    await new Promise((resolve) => setTimeout(resolve, Number(answer.headers.get("retry-after")) * 1000));
  }
  throw new Error("still 429");
}

const client = createClient<paths>({ baseUrl: process.argv[2], fetch: patient });

const lists = {
  plans: (query: Query) => client.GET("/v1/plans.json", { params: { query } }),
  commitments: (query: Query) => client.GET("/v1/commitments.json", { params: { query } }),
  milestones: (query: Query) => client.GET("/v1/milestones.json", { params: { query } }),
  reports: (query: Query) => client.GET("/v1/reports.json", { params: { query } }),
  progress: (query: Query) => client.GET("/v1/progress.json", { params: { query } }),
  organisations: (query: Query) => client.GET("/v1/organisations.json", { params: { query } }),
  assessments: (query: Query) => client.GET("/v1/assessments.json", { params: { query } }),
};

function following(next: string | undefined): Query | undefined {
  if (next === undefined) return undefined;
  const given = new URL(next).searchParams;
  return { limit: 7, cursor: given.get("cursor") ?? undefined, as_of: given.get("as_of") ?? undefined };
}

const found: Record<string, string[]> = {};
for (const [noun, list] of Object.entries(lists)) {
  const ids: string[] = [];
  let query: Query | undefined = { limit: 7 };
  while (query) {
    const { data, error }: Awaited<ReturnType<typeof list>> = await list(query);
    if (data === undefined) throw new Error(JSON.stringify(error));
    ids.push(...data.data.map((record) => record.id));
    query = following(data.links["next"]);
  }
  found[noun] = ids;
}

const missing = await client.GET("/v1/plans/{id}.json", { params: { path: { id: "nz-nap99" } } });
const problem = missing.error && "status" in missing.error ? missing.error : undefined;
console.log(JSON.stringify({ found, waited, missing: problem?.status, type: problem?.type }));
