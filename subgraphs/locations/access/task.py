"""Where tasks are, as everybody sees it."""

from shared.access import VALUE, Declaration, Object, Query, Type, everybody, page_info

CENTER = "{latitude: $latitude, longitude: $longitude}"
NEARBY = f"nearbyTasks(center: {CENTER}, radiusMeters: 100)"
VIEW = f"tasksInView(bounds: {{southWest: {CENTER}, northEast: {CENTER}}}, zoom: 22)"

ALL = everybody(VALUE)

ACCESS: list[Declaration] = [
    Object("task on the map", "an open task with a place, alone there", owner="who posted it"),
    Object("tasks on the map", "two open tasks at one place", owner="who posted them"),
    Type("Task", "task on the map", "task(id: $task)", {"id publicPoint distanceMeters": ALL}),
    Query(NEARBY, "task on the map", ALL),
    Type("NearbyTaskConnection", "task on the map", NEARBY, {"edges nodes totalCount pageInfo": ALL}),
    Type("NearbyTaskEdge", "task on the map", f"{NEARBY}.edges", {"node distanceMeters cursor": ALL}),
    page_info("task on the map", NEARBY, ALL),
    Query(VIEW, "task on the map", ALL),
    Type("TasksInView", "task on the map", VIEW, {"tasks count": ALL}),
    Type("TasksInView", "tasks on the map", VIEW, {"clusters": ALL}),
    Type("TaskCluster", "tasks on the map", f"{VIEW}.clusters", {"count center": ALL}),
]
