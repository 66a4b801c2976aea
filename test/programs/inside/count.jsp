<%@ page contentType="text/plain" %><%
// The number of requests in this session.
Integer before = (Integer) session.getAttribute("count");
int count = before == null ? 1 : before + 1;
session.setAttribute("count", count);
out.print(count);
%>
