import * as caraml from "@pulumi/caraml";
import * as pulumi from "@pulumi/pulumi";

// How replicas are added: one for every two requests under way.
const policy = { metric: caraml.AutoscalingMetric.Concurrency, target: 2 };
new caraml.AutoscalingPolicy("gentle", policy);

// The namespace of a team's models; the component's name is the namespace's.
const project = new caraml.ModelProject("iris-team", { team: "data-science", stream: "samples" });

const one = new caraml.CustomModelVersion("iris-1", {
    model: "iris",
    version: 1,
    project: "iris-team",
    image: new pulumi.Config().get("image") ?? "ghcr.io/acme/iris:1",
    autoscalingPolicy: policy,
    resourceRequest: { minReplica: 1, maxReplica: 2, cpuRequest: "100m", memoryRequest: "128Mi" },
    env: { GREETING: "hello" },
}, { dependsOn: project }); // a version waits for its namespace

const two = new caraml.CustomModelVersion("iris-2", {
    model: "iris",
    version: 2,
    project: "iris-team",
    image: "ghcr.io/acme/iris:2",
    deploymentMode: caraml.DeploymentMode.RawDeployment,
}, { dependsOn: project });

const endpoint = new caraml.ModelEndpoint("iris", {
    model: "iris",
    project: "iris-team",
    traffic: [
        { version: 1, weight: 90 },
        { version: 2, weight: 10, deploymentMode: caraml.DeploymentMode.RawDeployment },
    ],
}, { dependsOn: [one, two] }); // an endpoint waits for what it routes to

export const url = endpoint.url;
export const status = one.status;
