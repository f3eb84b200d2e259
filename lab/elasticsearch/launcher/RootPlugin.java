package lab;

import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.apache.lucene.util.Version;
import org.elasticsearch.Build;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest.Method;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.rest.RestChannel;
import org.elasticsearch.rest.RestRequest;

/** Answers "GET /" as the module rest-root does, which Central lacks (tried on 8.14, 8.19 and 9.5; fetch.sh compiles it). */
public class RootPlugin extends Plugin implements ActionPlugin {
    private volatile ClusterService cluster;

    @Override
    public Collection<?> createComponents(PluginServices services) {
        cluster = services.clusterService();
        return List.of();
    }

    @Override // fetch.sh keeps one of these two lines
    public Collection<RestHandler> getRestHandlers(Settings s, NamedWriteableRegistry n, RestController c, ClusterSettings cs, IndexScopedSettings is, SettingsFilter f, IndexNameExpressionResolver r, Supplier<DiscoveryNodes> d, Predicate<NodeFeature> p) { // old
    public Collection<RestHandler> getRestHandlers(RestHandlersServices s, Supplier<DiscoveryNodes> d, Predicate<NodeFeature> p) { // new
        return List.of(new RestHandler() {
            @Override
            public List<Route> routes() {
                return List.of(new Route(Method.GET, "/"), new Route(Method.HEAD, "/"));
            }

            @Override
            public void handleRequest(RestRequest request, RestChannel channel, NodeClient client) {
                channel.sendResponse(new RestResponse(RestStatus.OK, "application/json", body()));
            }
        });
    }

    private String body() {
        Build b = Build.current();
        return String.format("""
            {
              "name" : "%s",
              "cluster_name" : "%s",
              "cluster_uuid" : "%s",
              "version" : {
                "number" : "%s",
                "build_flavor" : "%s",
                "build_type" : "%s",
                "build_hash" : "%s",
                "build_date" : "%s",
                "build_snapshot" : %s,
                "lucene_version" : "%s",
                "minimum_wire_compatibility_version" : "%s",
                "minimum_index_compatibility_version" : "%s"
              },
              "tagline" : "You Know, for Search"
            }
            """, cluster.getNodeName(), cluster.getClusterName().value(), cluster.state().metadata().clusterUUID(),
            b.qualifiedVersion(), b.flavor(), b.type().displayName(), b.hash(), b.date(), b.isSnapshot(),
            Version.LATEST, b.minWireCompatVersion(), b.minIndexCompatVersion());
    }
}
