//! The network simplex on a bipartite graph. A basis is a spanning tree over sources and sinks; each node but
//! the root knows its parent and the flow on the arc between them. A pivot brings in an arc that
//! costs less than the tree's way around, pushes flow along the cycle it closes until one arc is empty, and
//! hangs the part that was cut off below the new arc. Masses are perturbed by amounts far below what f32 shows,
//! so that no two of them tie and every pivot moves something: the method cannot run in circles.

/// Relative slack below which an arc is no improvement.
const SLACK: f64 = 1e-12;
/// Rows of arcs looked at together for the one that comes in (measured).
const ROWS: usize = 4;
/// Perturbation of each source: above the rounding of sums of shares, below what a result shows.
const NUDGE: f64 = 1e-13;

/// A spanning tree with a flow on each of its arcs.
pub(super) struct Tree {
    sources: usize,
    sinks: usize,
    /// Row-major, sources x sinks.
    costs: Vec<f64>,
    slack: f64,
    root: usize,
    /// Nodes: sources, then sinks. The root is its own parent.
    parent: Vec<usize>,
    /// Flow between a node and its parent.
    flow: Vec<f64>,
    depth: Vec<usize>,
    /// `cost = price[source] + price[sink]` on every arc of the tree.
    price: Vec<f64>,
    children: Children,
}

impl Tree {
    /// The first basis: source by source, the cheapest sinks that are still open. An arc closes its source or its
    /// sink, whose parent the other one, still open, becomes; the root is what stays open.
    pub fn greedy(supply: &[f64], demand: &[f64], cost: impl Fn(usize, usize) -> f64) -> Tree {
        let (n, m) = (supply.len(), demand.len());
        let costs: Vec<f64> = (0..n * m).map(|arc| cost(arc / m, arc % m)).collect();
        let largest = costs.iter().fold(0.0f64, |x, &y| x.max(y));
        let mut tree = Tree {
            sources: n,
            sinks: m,
            costs,
            slack: SLACK * largest,
            root: 0,
            parent: vec![0; n + m],
            flow: vec![0.0; n + m],
            depth: vec![0; n + m],
            price: vec![0.0; n + m],
            children: Children::new(n + m),
        };
        let mut wanted = demand.to_vec();
        wanted[m - 1] += NUDGE * n as f64;
        let mut open: Vec<usize> = (0..m).collect();
        for (i, mass) in supply.iter().enumerate() {
            let mut left = mass + NUDGE;
            loop {
                let row = &tree.costs[i * m..(i + 1) * m];
                let cheapest = (0..open.len()).min_by(|&a, &b| row[open[a]].total_cmp(&row[open[b]]));
                let at = cheapest.expect("the last sink stays open");
                let sink = open[at];
                let moved = left.min(wanted[sink]).max(0.0);
                (left, wanted[sink]) = (left - moved, wanted[sink] - moved);
                // The last source closes all sinks but one, every other source itself, however sums round.
                if open.len() > 1 && (i == n - 1 || wanted[sink] < left) {
                    open.swap_remove(at);
                    tree.hang(n + sink, i, moved);
                } else {
                    tree.hang(i, n + sink, moved);
                    break;
                }
            }
        }
        tree.root = n + open[0];
        tree.parent[tree.root] = tree.root;
        tree.reprice(tree.root);
        tree
    }

    fn hang(&mut self, node: usize, parent: usize, flow: f64) {
        (self.parent[node], self.flow[node]) = (parent, flow);
    }

    fn cost(&self, source: usize, sink: usize) -> f64 {
        self.costs[source * self.sinks + sink - self.sources]
    }

    /// Cost of the arc between `node` and its parent.
    fn cost_up(&self, node: usize) -> f64 {
        let up = self.parent[node];
        if node < self.sources { self.cost(node, up) } else { self.cost(up, node) }
    }

    /// Depths and prices of the nodes below `top`, parents before children.
    fn reprice(&mut self, top: usize) {
        self.children.fill(&self.parent, self.root);
        let mut open = std::mem::take(&mut self.children.stack);
        open.push(top);
        while let Some(node) = open.pop() {
            if node != self.root {
                let up = self.parent[node];
                self.depth[node] = self.depth[up] + 1;
                self.price[node] = self.cost_up(node) - self.price[up];
            }
            open.extend(self.children.of(node));
        }
        self.children.stack = open;
    }

    /// The best improving arc of the first rows, from `row` on, that have one.
    pub fn entering(&self, row: &mut usize) -> Option<(usize, usize)> {
        let mut found: Option<(f64, usize, usize)> = None;
        for step in 0..self.sources {
            let i = (*row + step) % self.sources;
            let costs = &self.costs[i * self.sinks..(i + 1) * self.sinks];
            let prices = &self.price[self.sources..];
            let gain = |j: usize| self.price[i] - (costs[j] - prices[j]);
            // Looked for in two passes: the first one, without positions, vectorises.
            let lowest = lowest_difference(costs, prices);
            let best = self.price[i] - lowest;
            if best > found.map_or(self.slack, |(gain, ..)| gain) {
                let j = (0..self.sinks).find(|&j| gain(j) == best)?;
                found = Some((best, i, self.sources + j));
            }
            if found.is_some() && (step + 1) % ROWS == 0 {
                break;
            }
        }
        let (_, source, sink) = found?;
        *row = (source + 1) % self.sources;
        Some((source, sink))
    }

    pub fn pivot(&mut self, source: usize, sink: usize) {
        let (leaving, pushed, below_source) = self.bottleneck(source, sink);
        self.push(source, sink, pushed);
        // The part below `leaving` holds one end of the new arc; that end becomes its top.
        let (top, mut up) = if below_source { (source, sink) } else { (sink, source) };
        let (mut node, mut flow) = (top, pushed);
        loop {
            let (next, between) = (self.parent[node], self.flow[node]);
            (self.parent[node], self.flow[node]) = (up, flow);
            if node == leaving {
                break;
            }
            (up, node, flow) = (node, next, between);
        }
        self.reprice(top);
    }

    /// The arc (its lower node) of the cycle that empties first, its flow, and whether it is on the source's side.
    fn bottleneck(&self, source: usize, sink: usize) -> (usize, f64, bool) {
        let mut found = (source, f64::INFINITY, true);
        self.cycle(source, sink, |node, from_source| {
            if self.drains(node, from_source) && self.flow[node] < found.1 {
                found = (node, self.flow[node], from_source);
            }
        });
        found
    }

    /// Whether the arc above `node` loses what the new arc gains: on the source's side those of sources do, on
    /// the sink's side those of sinks.
    fn drains(&self, node: usize, from_source: bool) -> bool {
        (node < self.sources) == from_source
    }

    fn push(&mut self, source: usize, sink: usize, pushed: f64) {
        let (mut a, mut b) = (source, sink);
        while a != b {
            let from_source = self.depth[a] >= self.depth[b];
            let node = if from_source { &mut a } else { &mut b };
            let sign = if (*node < self.sources) == from_source { -1.0 } else { 1.0 };
            self.flow[*node] += sign * pushed;
            *node = self.parent[*node];
        }
    }

    /// Calls `visit` for every node whose arc to its parent lies on the way between the two.
    fn cycle(&self, source: usize, sink: usize, mut visit: impl FnMut(usize, bool)) {
        let (mut a, mut b) = (source, sink);
        while a != b {
            let from_source = self.depth[a] >= self.depth[b];
            let node = if from_source { &mut a } else { &mut b };
            visit(*node, from_source);
            *node = self.parent[*node];
        }
    }

    /// Cost of the flow; what is there for the perturbation alone is left out, so that equal masses are at 0.
    pub fn total(&self) -> f64 {
        let nudged = 2.0 * NUDGE * self.sources as f64;
        let nodes = (0..self.parent.len()).filter(|&node| node != self.root && self.flow[node] > nudged);
        nodes.map(|node| self.flow[node] * self.cost_up(node)).sum()
    }
}

/// The least `a - b`.
fn lowest_difference(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    let less = |x: f64, y: f64| if x < y { x } else { y };
    let mut lanes = [f64::INFINITY; LANES];
    for (x, y) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            lanes[lane] = less(x[lane] - y[lane], lanes[lane]);
        }
    }
    let rest = rest_a.iter().zip(rest_b).map(|(x, y)| x - y);
    lanes.into_iter().chain(rest).fold(f64::INFINITY, less)
}

/// No node.
const NONE: usize = usize::MAX;

/// The children of every node as linked lists, rebuilt in one pass.
struct Children {
    first: Vec<usize>,
    next: Vec<usize>,
    /// Room for a walk over nodes.
    stack: Vec<usize>,
}

impl Children {
    fn new(nodes: usize) -> Children {
        Children { first: vec![NONE; nodes], next: vec![NONE; nodes], stack: Vec::with_capacity(nodes) }
    }

    fn fill(&mut self, parent: &[usize], root: usize) {
        self.first.fill(NONE);
        for (node, &up) in parent.iter().enumerate().filter(|&(node, _)| node != root) {
            self.next[node] = self.first[up];
            self.first[up] = node;
        }
    }

    fn of(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let held = |node: usize| (node != NONE).then_some(node);
        std::iter::successors(held(self.first[node]), move |&child| held(self.next[child]))
    }
}
