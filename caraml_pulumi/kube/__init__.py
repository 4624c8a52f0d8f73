"""A small Kubernetes client: kubeconfig, one kept-alive connection pool, discovery."""
