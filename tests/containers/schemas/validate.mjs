// Reads manifests as JSON, one a line, and says for each what is wrong with it: `[]` if nothing is.
import { createInterface } from 'node:readline'

const SCHEMAS = {
  'gateway.networking.k8s.io/v1 HTTPRoute': 'gateway-api/_schemas/IoK8sSigsGatewayApiApisV1HTTPRoute',
  'gateway.envoyproxy.io/v1alpha1 SecurityPolicy':
    'envoy-gateway/_schemas/ComGithubEnvoyproxyGatewayApiV1alpha1SecurityPolicy',
  'traefik.io/v1alpha1 Middleware':
    'traefik/_schemas/ComGithubTraefikTraefikV3PkgProviderKubernetesCrdTraefikioV1alpha1Middleware',
}

for await (const line of createInterface({ input: process.stdin })) {
  const manifest = JSON.parse(line)
  const { validate } = await import(`./node_modules/@kubernetes-models/${SCHEMAS[`${manifest.apiVersion} ${manifest.kind}`]}.js`)
  console.log(JSON.stringify(validate(manifest) ? [] : validate.errors))
}
